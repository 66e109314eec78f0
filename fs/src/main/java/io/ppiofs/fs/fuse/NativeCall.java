package io.ppiofs.fs.fuse;

import jnr.ffi.annotations.Delegate;

/**
 * Shapes of the callbacks in {@code struct fuse_lowlevel_ops}. Every argument is taken as a 64-bit integer: in the
 * calling conventions of x86-64 (System V) and AArch64 each of the first six integer or pointer arguments fills one
 * register, so an {@code int} is the low half of what arrives here and the upper half is garbage: narrow with a cast.
 * Public only because of jnr-ffi's generated code.
 */
public final class NativeCall {
    private NativeCall() {}

    /** One argument. */
    @FunctionalInterface
    public interface One {
        @Delegate
        void call(long a);
    }

    /** Two arguments. */
    @FunctionalInterface
    public interface Two {
        @Delegate
        void call(long a, long b);
    }

    /** Three arguments. */
    @FunctionalInterface
    public interface Three {
        @Delegate
        void call(long a, long b, long c);
    }

    /** Four arguments. */
    @FunctionalInterface
    public interface Four {
        @Delegate
        void call(long a, long b, long c, long d);
    }

    /** Five arguments. */
    @FunctionalInterface
    public interface Five {
        @Delegate
        void call(long a, long b, long c, long d, long e);
    }

    /** Six arguments. */
    @FunctionalInterface
    public interface Six {
        @Delegate
        void call(long a, long b, long c, long d, long e, long f);
    }
}
