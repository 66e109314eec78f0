package io.ppiofs.node.control;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A {@link PpiofsException} on the wire: kind, operation, subject and detail. */
public final class Failure {
    private Failure() {}

    /** The JSON object of an exception. */
    public static Map<String, @Nullable Object> toMessage(PpiofsException e) {
        String prefix = e.operation() + " " + e.subject() + ": ";
        String message = String.valueOf(e.getMessage());
        Map<String, @Nullable Object> error = new LinkedHashMap<>();
        error.put("kind", e.kind().name());
        error.put("operation", e.operation());
        error.put("subject", e.subject());
        error.put("detail", message.startsWith(prefix) ? message.substring(prefix.length()) : message);
        error.put("exit", (long) e.kind().exitCode());
        return error;
    }

    /** The exception that {@link #toMessage} described; INTERNAL for a kind this version does not know. */
    public static PpiofsException ofMessage(Map<?, ?> error) {
        return new PpiofsException(
                kind(error.get("kind")), text(error, "operation"), text(error, "subject"), text(error, "detail"));
    }

    private static String text(Map<?, ?> error, String name) {
        return error.get(name) instanceof String s ? s : name;
    }

    private static ErrorKind kind(@Nullable Object name) {
        for (ErrorKind k : ErrorKind.values()) {
            if (k.name().equals(name)) {
                return k;
            }
        }
        return ErrorKind.INTERNAL;
    }
}
