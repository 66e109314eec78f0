package io.ppiofs.fs.fuse;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;

/** The loaded libfuse and what needs its memory rules: argument vectors. Thread-safe. */
final class NativeFuse {
    private static final int VERSION_2_9 = 29;

    private final LibFuse fuse;
    private final NativeSystem system;
    private final Runtime runtime;
    private final FuseLayout layout;

    private NativeFuse(LibFuse fuse, NativeSystem system) {
        this.fuse = fuse;
        this.system = system;
        this.runtime = Runtime.getRuntime(fuse);
        this.layout = new FuseLayout(runtime);
    }

    /** @throws PpiofsException NOT_SUPPORTED if libfuse 2.9 is not there */
    static NativeFuse load() {
        LibFuse fuse;
        try {
            fuse = LibraryLoader.create(LibFuse.class).failImmediately().load("libfuse.so.2");
        } catch (UnsatisfiedLinkError e) {
            throw new PpiofsException(
                    ErrorKind.NOT_SUPPORTED,
                    "mount",
                    "libfuse.so.2",
                    "libfuse 2.9 is not installed; install it with `apt-get install libfuse2`",
                    e);
        }
        if (fuse.fuse_version() < VERSION_2_9) {
            throw new PpiofsException(
                    ErrorKind.NOT_SUPPORTED,
                    "mount",
                    "libfuse.so.2",
                    "version " + fuse.fuse_version() / 10.0 + " is too old, 2.9 is needed");
        }
        return new NativeFuse(fuse, NativeSystem.load());
    }

    LibFuse fuse() {
        return fuse;
    }

    Runtime runtime() {
        return runtime;
    }

    FuseLayout layout() {
        return layout;
    }

    NativeSystem system() {
        return system;
    }

    /** A {@code struct fuse_args}; libfuse replaces the vector by one of its own, to be freed with it. */
    final class Arguments implements AutoCloseable {
        private final Pointer struct = system.allocate(FuseLayout.ARGS_SIZE);
        private final List<Pointer> keptAlive = new ArrayList<>();

        Arguments(List<String> words) {
            Pointer argv = system.allocate((words.size() + 1) * Long.BYTES);
            keptAlive.add(argv);
            for (int i = 0; i < words.size(); i++) {
                Pointer word = system.cString(words.get(i).getBytes(NativeSystem.pathCharset()));
                keptAlive.add(word);
                argv.putAddress((long) i * Long.BYTES, word.address());
            }
            struct.putInt(0, words.size());
            struct.putAddress(FuseLayout.ARGS_ARGV, argv.address());
        }

        long address() {
            return struct.address();
        }

        @Override
        public void close() {
            fuse.fuse_opt_free_args(struct.address());
            Reference.reachabilityFence(keptAlive);
        }
    }

    /** @return the channel, 0 on failure */
    long mount(Path mountPoint, Arguments arguments) {
        Pointer path = system.cString(mountPoint);
        long chan = fuse.fuse_mount(path.address(), arguments.address());
        Reference.reachabilityFence(path);
        return chan;
    }

    /** Closes the descriptor and unmounts: only for a channel that no session owns. */
    void unmountChannel(Path mountPoint, long chan) {
        Pointer path = system.cString(mountPoint);
        fuse.fuse_unmount(path.address(), chan);
        Reference.reachabilityFence(path);
    }
}
