package io.ppiofs.fs.testing;

/** Error numbers of Linux (asm-generic/errno.h). */
enum Errno {
    OK(0),
    EPERM(1),
    ENOENT(2),
    ENXIO(6),
    EBADF(9),
    EACCES(13),
    EBUSY(16),
    EEXIST(17),
    EXDEV(18),
    ENOTDIR(20),
    EISDIR(21),
    EINVAL(22),
    EFBIG(27),
    EROFS(30),
    EMLINK(31),
    ERANGE(34),
    ENAMETOOLONG(36),
    ENOTEMPTY(39),
    ELOOP(40),
    ENODATA(61),
    EOPNOTSUPP(95);

    private final int number;

    Errno(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }

    static String name(int number) {
        for (Errno e : values()) {
            if (e.number == number) {
                return e.name();
            }
        }
        return "errno " + number;
    }
}
