package io.ppiofs.error;

import org.jspecify.annotations.Nullable;

/**
 * The one exception of ppiofs: operation, subject (path, CID, peer, option) and {@link ErrorKind}. The message is one
 * sentence for a user: {@code operation subject: what happened, what to do}.
 *
 * <p>Instances made by {@link #expected} carry no stack trace: they are answers (a lookup that finds nothing), not
 * defects, and cost one small allocation.
 */
public final class PpiofsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ErrorKind kind;
    private final String operation;
    private final String subject;

    public PpiofsException(ErrorKind kind, String operation, String subject, String detail) {
        this(kind, operation, subject, detail, null);
    }

    public PpiofsException(ErrorKind kind, String operation, String subject, String detail, @Nullable Throwable cause) {
        this(kind, operation, subject, detail, cause, true);
    }

    private PpiofsException(
            ErrorKind kind,
            String operation,
            String subject,
            String detail,
            @Nullable Throwable cause,
            boolean writableStackTrace) {
        super(operation + " " + subject + ": " + detail, cause, writableStackTrace, writableStackTrace);
        this.kind = kind;
        this.operation = operation;
        this.subject = subject;
    }

    /** An ordinary negative answer, without a stack trace. */
    public static PpiofsException expected(ErrorKind kind, String operation, String subject) {
        return new PpiofsException(kind, operation, subject, kind.name(), null, false);
    }

    public ErrorKind kind() {
        return kind;
    }

    public String operation() {
        return operation;
    }

    public String subject() {
        return subject;
    }

    /** The sentence without what was done to whom. */
    public String detail() {
        String message = String.valueOf(getMessage());
        return message.substring(operation.length() + 1 + subject.length() + 2);
    }
}
