package io.ppiofs.node.control;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * JSON as plain maps, lists, strings, numbers, booleans and null. Only the streaming part of Jackson is used: a client
 * command must start quickly. Thread-safe.
 */
public final class Json {
    private static final int MAX_DEPTH = 16;

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxStringLength(Wire.MAX_REPLY)
                    .maxDocumentLength(Wire.MAX_REPLY)
                    .build())
            .build();

    private Json() {}

    /** One line, no line feed at its end. */
    public static String line(Map<String, ?> object) {
        return write(object, false);
    }

    /** Indented, for people and for {@code --json}. */
    public static String pretty(Map<String, ?> object) {
        return write(object, true);
    }

    /** @throws PpiofsException INVALID if the text is not one JSON object within the bounds */
    public static Map<String, @Nullable Object> parse(String text) {
        try (JsonParser in = FACTORY.createParser(text)) {
            if (in.nextToken() != JsonToken.START_OBJECT) {
                throw new PpiofsException(ErrorKind.INVALID, "control", "message", "is not a JSON object");
            }
            Map<String, @Nullable Object> object = object(in);
            if (in.nextToken() != null) {
                throw new PpiofsException(ErrorKind.INVALID, "control", "message", "goes on behind the JSON object");
            }
            return object;
        } catch (IOException e) {
            throw new PpiofsException(ErrorKind.INVALID, "control", "message", "is not valid JSON", e);
        }
    }

    private static Map<String, @Nullable Object> object(JsonParser in) throws IOException {
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        while (in.nextToken() != JsonToken.END_OBJECT) {
            String name = in.currentName();
            in.nextToken();
            object.put(name, value(in));
        }
        return object;
    }

    private static @Nullable Object value(JsonParser in) throws IOException {
        JsonToken token = in.currentToken();
        if (token == null) {
            throw new PpiofsException(ErrorKind.INVALID, "control", "message", "ends in the middle");
        }
        return switch (token) {
            case START_OBJECT -> object(in);
            case START_ARRAY -> array(in);
            case VALUE_STRING -> in.getText();
            case VALUE_NUMBER_INT -> in.getLongValue();
            case VALUE_NUMBER_FLOAT -> in.getDoubleValue();
            case VALUE_TRUE -> Boolean.TRUE;
            case VALUE_FALSE -> Boolean.FALSE;
            case VALUE_NULL -> null;
            default -> throw new PpiofsException(ErrorKind.INVALID, "control", "message", "is not valid JSON");
        };
    }

    private static List<@Nullable Object> array(JsonParser in) throws IOException {
        List<@Nullable Object> array = new ArrayList<>();
        while (in.nextToken() != JsonToken.END_ARRAY) {
            array.add(value(in));
        }
        return array;
    }

    private static String write(Map<String, ?> object, boolean indented) {
        StringWriter text = new StringWriter();
        try (JsonGenerator out = FACTORY.createGenerator(text)) {
            if (indented) {
                out.setPrettyPrinter(new DefaultPrettyPrinter());
            }
            put(out, object);
        } catch (IOException e) {
            throw new UncheckedIOException("a StringWriter does not fail", e);
        }
        return text.toString();
    }

    private static void put(JsonGenerator out, @Nullable Object value) throws IOException {
        if (value == null) {
            out.writeNull();
        } else if (value instanceof Map<?, ?> map) {
            out.writeStartObject();
            for (Map.Entry<?, ?> e : map.entrySet()) {
                out.writeFieldName(String.valueOf(e.getKey()));
                put(out, e.getValue());
            }
            out.writeEndObject();
        } else if (value instanceof Iterable<?> list) {
            out.writeStartArray();
            for (Object e : list) {
                put(out, e);
            }
            out.writeEndArray();
        } else if (value instanceof Boolean b) {
            out.writeBoolean(b);
        } else if (value instanceof Double d) {
            out.writeNumber(d);
        } else if (value instanceof Number n) {
            out.writeNumber(n.longValue());
        } else {
            out.writeString(value.toString());
        }
    }
}
