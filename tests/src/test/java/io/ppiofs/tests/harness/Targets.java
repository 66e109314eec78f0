package io.ppiofs.tests.harness;

/** Which file system the tests run on: ppiofs (jnr: through libfuse 2.9), or what {@code -Dppiofs.tests.on=} names. */
public final class Targets {
    private Targets() {}

    /** A new, empty, mounted file system. */
    public static MountedFs mounted(Scratch scratch) {
        MountedFs fs = make(scratch);
        scratch.onClose(fs::close);
        fs.mount();
        return fs;
    }

    /** True when the tests check themselves on somebody else's file system. */
    public static boolean foreign() {
        return !name().equals("ppiofs") && !name().equals("jnr");
    }

    public static String name() {
        return System.getProperty("ppiofs.tests.on", "ppiofs");
    }

    private static MountedFs make(Scratch scratch) {
        switch (name()) {
            case "ppiofs":
                return PpiofsMount.fresh(scratch);
            case "jnr":
                return PpiofsMount.fresh(scratch).options(PpiofsMount.OPTIONS + ",driver=jnr");
            case "plain":
                return new PlainDirectory(scratch.directory("plain"));
            case "bindfs":
                return ForeignFuseMount.bindfs(scratch.directory("backing"), scratch.directory("m"));
            case "gocryptfs":
                return ForeignFuseMount.gocryptfs(scratch.directory("backing"), scratch.directory("m"));
            default:
                throw new AssertionError("-Dppiofs.tests.on=" + name() + ": ppiofs, jnr, plain, bindfs or gocryptfs");
        }
    }
}
