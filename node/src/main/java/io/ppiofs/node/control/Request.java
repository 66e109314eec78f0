package io.ppiofs.node.control;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a command asks of the node.
 *
 * @param operation for example {@code mount}, {@code volume.list}
 * @param arguments by name; checked by the getters when they are used
 */
public record Request(String operation, Map<String, @Nullable Object> arguments) {
    public Request(String operation) {
        this(operation, new LinkedHashMap<>());
    }

    /** This request with one more argument; null leaves it out. */
    public Request with(String name, @Nullable Object value) {
        Map<String, @Nullable Object> more = new LinkedHashMap<>(arguments);
        if (value != null) {
            more.put(name, value);
        }
        return new Request(operation, more);
    }

    /** @throws PpiofsException UNSUPPORTED_FORMAT if the other end speaks another version */
    static Request ofMessage(Map<String, @Nullable Object> message) {
        Object version = message.get("v");
        if (!Long.valueOf(Wire.VERSION).equals(version)) {
            throw new PpiofsException(
                    ErrorKind.UNSUPPORTED_FORMAT,
                    "control",
                    "version " + version,
                    "this node speaks version " + Wire.VERSION
                            + "; use the ppiofs command of the version that mounted");
        }
        if (!(message.get("op") instanceof String operation)) {
            throw new PpiofsException(ErrorKind.INVALID, "control", "message", "names no operation");
        }
        return new Request(operation, message);
    }

    Map<String, @Nullable Object> toMessage() {
        Map<String, @Nullable Object> message = new LinkedHashMap<>();
        message.put("v", (long) Wire.VERSION);
        message.put("op", operation);
        message.putAll(arguments);
        return message;
    }

    /** @throws PpiofsException INVALID if it is missing or no text */
    public String text(String name) {
        String value = textOrNull(name);
        if (value == null) {
            throw new PpiofsException(ErrorKind.INVALID, operation, name, "is missing");
        }
        return value;
    }

    public @Nullable String textOrNull(String name) {
        Object value = arguments.get(name);
        if (value == null || value instanceof String) {
            return (String) value;
        }
        throw new PpiofsException(ErrorKind.INVALID, operation, name, "is not a text");
    }

    /** False if it is missing. */
    public boolean flag(String name) {
        Object value = arguments.get(name);
        if (value == null || value instanceof Boolean) {
            return Boolean.TRUE.equals(value);
        }
        throw new PpiofsException(ErrorKind.INVALID, operation, name, "is not a boolean");
    }

    public @Nullable Long numberOrNull(String name) {
        Object value = arguments.get(name);
        if (value == null || value instanceof Long) {
            return (Long) value;
        }
        throw new PpiofsException(ErrorKind.INVALID, operation, name, "is not a whole number");
    }

    /** Empty if it is missing. */
    public List<String> texts(String name) {
        Object value = arguments.get(name);
        if (value == null) {
            return List.of();
        }
        if (!(value instanceof List<?> list)) {
            throw new PpiofsException(ErrorKind.INVALID, operation, name, "is not a list");
        }
        List<String> texts = new ArrayList<>();
        for (Object o : list) {
            if (!(o instanceof String s)) {
                throw new PpiofsException(ErrorKind.INVALID, operation, name, "is not a list of texts");
            }
            texts.add(s);
        }
        return texts;
    }
}
