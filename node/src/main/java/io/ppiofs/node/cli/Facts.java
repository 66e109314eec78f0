package io.ppiofs.node.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads values out of the answer of a node. Missing values are shown as "?", never a crash of the command. */
final class Facts {
    private Facts() {}

    static Map<String, @Nullable Object> object(@Nullable Object value) {
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        if (value instanceof Map<?, ?> map) {
            map.forEach((k, v) -> object.put(String.valueOf(k), v));
        }
        return object;
    }

    static List<Map<String, @Nullable Object>> list(@Nullable Object value) {
        List<Map<String, @Nullable Object>> list = new ArrayList<>();
        if (value instanceof List<?> objects) {
            objects.forEach(o -> list.add(object(o)));
        }
        return list;
    }

    static String text(Map<?, ?> facts, String name) {
        Object value = facts.get(name);
        // some of it other machines have said: no escape of theirs reaches a terminal
        return value == null ? "?" : value.toString().replaceAll("\\p{Cntrl}", "?");
    }

    static long number(Map<?, ?> facts, String name) {
        return facts.get(name) instanceof Number n ? n.longValue() : 0;
    }

    static boolean flag(Map<?, ?> facts, String name) {
        return Boolean.TRUE.equals(facts.get(name));
    }
}
