package io.ppiofs.node.doctor;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.fs.fuse.kernel.KernelFuseDriver;
import io.ppiofs.node.Home;
import io.ppiofs.node.config.ByteSize;
import io.ppiofs.node.config.NodeConfig;
import io.ppiofs.node.control.ControlClient;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.Provider;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** The checks, in the order in which a mount would stumble over them. */
public final class Doctor {
    private static final long LITTLE_SPACE = 1L << 30;

    private final Home home;

    public Doctor(Home home) {
        this.home = home;
    }

    /** Runs every check. */
    public List<Finding> examine() {
        List<Supplier<Finding>> checks = List.of(
                this::java,
                this::moduleFlags,
                this::fuseDevice,
                this::fuseLibrary,
                this::fusermount,
                this::allowOther,
                this::crypto,
                this::homeDirectory,
                this::configuration,
                this::space,
                this::openFiles,
                this::node);
        List<Finding> findings = new ArrayList<>();
        checks.forEach(c -> findings.add(c.get()));
        return findings;
    }

    private Finding java() {
        int feature = Runtime.version().feature();
        String version = System.getProperty("java.version") + " in " + System.getProperty("java.home");
        if (feature < 17) {
            return Finding.fail("java", version + " is too old; install openjdk-17-jdk");
        }
        if (ModuleLayer.boot().findModule("jdk.compiler").isEmpty()) {
            return Finding.fail(
                    "java", version + " has no compiler, which the block index needs; install a JDK, not a JRE");
        }
        return feature > 25
                ? Finding.warn("java", version + " is newer than what ppiofs is tested with (17 to 25)")
                : Finding.ok("java", version);
    }

    private Finding moduleFlags() {
        Module base = Object.class.getModule();
        Module ours = Doctor.class.getModule();
        List<String> closed = Stream.of("java.lang", "java.lang.reflect", "sun.nio.ch", "java.nio")
                .filter(p -> !base.isOpen(p, ours))
                .toList();
        return closed.isEmpty()
                ? Finding.ok("flags", "the packages that the block index needs are open")
                : Finding.fail("flags", closed + " are closed; start ppiofs with its launcher, mount-scripts/ppiofs");
    }

    private Finding fuseDevice() {
        Path device = Path.of("/dev/fuse");
        if (!Files.exists(device)) {
            return Finding.fail("/dev/fuse", "is missing; load the kernel module with 'modprobe fuse'");
        }
        try (RandomAccessFile file = new RandomAccessFile(device.toFile(), "rw")) {
            return Finding.ok("/dev/fuse", "opens for reading and writing");
        } catch (IOException e) {
            return Finding.fail(
                    "/dev/fuse", "does not open (" + e.getMessage() + "); run as root or 'chmod 666 /dev/fuse'");
        }
    }

    private Finding fuseLibrary() {
        List<Path> places = List.of(Path.of("/lib"), Path.of("/usr/lib"), Path.of("/lib64"), Path.of("/usr/lib64"));
        for (Path place : places) {
            try (Stream<Path> files =
                    Files.isDirectory(place) ? Files.find(place, 2, Doctor::isFuse) : Stream.empty()) {
                Path found = files.findFirst().orElse(null);
                if (found != null) {
                    return Finding.ok("libfuse2", found.toString());
                }
            } catch (IOException | java.io.UncheckedIOException e) {
                return Finding.warn("libfuse2", "cannot look into " + place + ": " + e.getMessage());
            }
        }
        String missing = "libfuse.so.2 is missing; 'apt-get install libfuse2' (libfuse2t64 on Debian 13)";
        return KernelFuseDriver.supported()
                ? Finding.ok("libfuse2", "is not here; the kernel driver does not need it")
                : Finding.fail("libfuse2", missing);
    }

    private static boolean isFuse(Path path, Object attributes) {
        return path.getFileName() != null && path.getFileName().toString().equals("libfuse.so.2");
    }

    private Finding fusermount() {
        for (String directory :
                System.getenv().getOrDefault("PATH", "/bin:/usr/bin").split(":")) {
            for (String name : List.of("fusermount", "fusermount3")) {
                Path file = Path.of(directory.isEmpty() ? "." : directory, name);
                if (Files.isExecutable(file)) {
                    return Finding.ok("fusermount", file.toString());
                }
            }
        }
        return isRoot()
                ? Finding.warn("fusermount", "is missing; only root can mount; 'apt-get install fuse3'")
                : Finding.fail("fusermount", "is missing, and only root mounts without it; 'apt-get install fuse3'");
    }

    private static boolean isRoot() {
        try {
            return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
        } catch (IOException | UnsupportedOperationException e) {
            // no /proc: no Linux; then the name is all there is
            return "root".equals(System.getProperty("user.name"));
        }
    }

    private Finding allowOther() {
        Path file = Path.of("/etc/fuse.conf");
        if (isRoot()) {
            return Finding.ok("allow_other", "root may always");
        }
        try {
            boolean allowed = Files.exists(file)
                    && Files.readAllLines(file).stream().anyMatch(l -> l.strip().equals("user_allow_other"));
            return allowed
                    ? Finding.ok("allow_other", "user_allow_other is set in " + file)
                    : Finding.ok("allow_other", "not for ordinary users; user_allow_other in " + file + " permits it");
        } catch (IOException e) {
            return Finding.warn("allow_other", file + " cannot be read: " + e.getMessage());
        }
    }

    private Finding crypto() {
        try {
            // by name: the library is absent on machines that it does not support
            Class<?> type = Class.forName("com.amazon.corretto.crypto.provider.AmazonCorrettoCryptoProvider");
            Provider provider = (Provider) type.getField("INSTANCE").get(null);
            type.getMethod("assertHealthy").invoke(provider);
            return Finding.ok("encryption", "Amazon Corretto Crypto Provider " + provider.getVersionStr());
        } catch (InvocationTargetException e) {
            return Finding.warn(
                    "encryption", "the fast provider does not load, the JDK's own is used: " + e.getCause());
        } catch (ReflectiveOperationException | LinkageError e) {
            return Finding.warn("encryption", "the fast provider does not load, the JDK's own is used: " + e);
        }
    }

    private Finding homeDirectory() {
        Path root = home.root();
        if (!Files.exists(root)) {
            return Finding.ok("home", root + " will be made at the first mount");
        }
        if (!Files.isDirectory(root) || !Files.isWritable(root)) {
            return Finding.fail("home", root + " is no directory you may write; choose another with --home");
        }
        try {
            Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(root, LinkOption.NOFOLLOW_LINKS);
            boolean open = permissions.stream()
                    .anyMatch(p -> p.name().startsWith("OTHERS") || p.name().startsWith("GROUP"));
            return open
                    ? Finding.warn("home", root + " is open to other users; 'chmod 700 " + root + "'")
                    : Finding.ok("home", root.toString());
        } catch (IOException e) {
            return Finding.warn("home", root + ": " + e.getMessage());
        }
    }

    private Finding configuration() {
        try {
            NodeConfig.read(home.configFile());
            return Finding.ok("config", Files.exists(home.configFile()) ? home.configFile() + " is sound" : "defaults");
        } catch (PpiofsException e) {
            return Finding.fail("config", String.valueOf(e.getMessage()));
        }
    }

    private Finding space() {
        Path existing = home.root();
        while (existing.getParent() != null && !Files.exists(existing)) {
            existing = existing.getParent();
        }
        try {
            FileStore store = Files.getFileStore(existing);
            String detail = ByteSize.show(store.getUsableSpace()) + " free on " + store.type() + " under " + existing;
            return store.getUsableSpace() < LITTLE_SPACE
                    ? Finding.warn("space", detail + "; make room or choose another --home")
                    : Finding.ok("space", detail);
        } catch (IOException e) {
            return Finding.warn("space", existing + ": " + e.getMessage());
        }
    }

    private Finding openFiles() {
        if (ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.UnixOperatingSystemMXBean os) {
            long limit = os.getMaxFileDescriptorCount();
            return limit < 1024
                    ? Finding.warn("open files", "only " + limit + " allowed; raise it with 'ulimit -n 4096'")
                    : Finding.ok("open files", limit + " allowed");
        }
        return Finding.ok("open files", "unknown on this system");
    }

    private Finding node() {
        try (ControlClient client = ControlClient.connect(home.socket())) {
            return Finding.ok(
                    "node", client == null ? "none runs in this home" : "runs and answers at " + home.socket());
        } catch (PpiofsException e) {
            return Finding.fail("node", String.valueOf(e.getMessage()));
        } catch (IOException e) {
            return Finding.warn("node", home.socket() + ": " + e.getMessage());
        }
    }
}
