package io.ppiofs.error;

/**
 * What went wrong, and the one table from a kind to the three outer worlds: errno (numbers of Linux's {@code
 * asm-generic/errno.h}), process exit code (after {@code sysexits.h} where it has one) and HTTP status.
 */
public enum ErrorKind {
    /** The name or object does not exist. */
    NOT_FOUND(2, 4, 404),
    /** The name exists already. */
    EXISTS(17, 5, 409),
    NOT_A_DIRECTORY(20, 6, 409),
    IS_A_DIRECTORY(21, 6, 409),
    NOT_EMPTY(39, 6, 409),
    /** The caller lacks the right (EACCES: mode bits). */
    ACCESS_DENIED(13, 77, 403),
    /** Not permitted whatever the mode bits say (EPERM). */
    NOT_PERMITTED(1, 77, 403),
    /** An argument has no meaning. */
    INVALID(22, 64, 400),
    NAME_TOO_LONG(36, 64, 400),
    TOO_MANY_LINKS(31, 6, 409),
    SYMLINK_LOOP(40, 6, 400),
    FILE_TOO_LARGE(27, 6, 413),
    /** No space is left, by reservation or on the disk itself. */
    NO_SPACE(28, 28, 507),
    QUOTA_EXCEEDED(122, 28, 507),
    READ_ONLY(30, 6, 403),
    CROSS_DEVICE(18, 6, 400),
    BUSY(16, 75, 409),
    /** A value lies beyond a fixed limit (ERANGE: buffer too small for an xattr). */
    RANGE(34, 64, 416),
    /** The attribute does not exist (ENODATA). */
    NO_DATA(61, 4, 404),
    /** An offset without data or hole behind it (ENXIO, lseek). */
    NO_SUCH_DEVICE(6, 4, 416),
    BAD_HANDLE(9, 70, 400),
    TOO_BIG(7, 64, 413),
    NOT_SUPPORTED(95, 69, 501),
    OVERFLOW(75, 64, 400),
    INTERRUPTED(4, 75, 503),
    NOT_CONNECTED(107, 69, 503),
    /** Bytes on disk or from a peer are not what they must be. Never returned as data. */
    CORRUPT(5, 65, 500),
    /** A block that must be there is neither here nor at a peer that answers. Never shown as a name that does not exist. */
    MISSING_BLOCK(5, 65, 500),
    /** The disk or a peer failed. */
    IO(5, 74, 500),
    /** Passphrase, key or capability does not open this. */
    WRONG_KEY(13, 77, 403),
    /** Another process owns it. */
    IN_USE(16, 75, 409),
    /** A configuration file or option is unusable. */
    CONFIG(22, 78, 400),
    /** A format or feature that this version does not know. */
    UNSUPPORTED_FORMAT(22, 76, 501),
    /** A defect of ppiofs itself. */
    INTERNAL(5, 70, 500);

    private final int errno;
    private final int exitCode;
    private final int httpStatus;

    ErrorKind(int errno, int exitCode, int httpStatus) {
        this.errno = errno;
        this.exitCode = exitCode;
        this.httpStatus = httpStatus;
    }

    /** Positive errno of Linux. */
    public int errno() {
        return errno;
    }

    /** Exit code of the process, 1–127. */
    public int exitCode() {
        return exitCode;
    }

    public int httpStatus() {
        return httpStatus;
    }
}
