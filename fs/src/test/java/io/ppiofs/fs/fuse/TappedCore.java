package io.ppiofs.fs.fuse;

import io.ppiofs.fs.core.FileSystemCore;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** A core whose calls can be counted and held up or replaced, by method name. Thread-safe. */
final class TappedCore {
    /** Runs instead of going straight to the real core. */
    @FunctionalInterface
    interface Tap {
        Object call(Object[] arguments, Real real) throws Throwable;
    }

    /** The real call. */
    @FunctionalInterface
    interface Real {
        Object call() throws Throwable;
    }

    private final Map<String, AtomicLong> counts = new ConcurrentHashMap<>();
    private final Map<String, Tap> taps = new ConcurrentHashMap<>();
    private final FileSystemCore core;

    TappedCore(FileSystemCore real) {
        core = (FileSystemCore) Proxy.newProxyInstance(
                TappedCore.class.getClassLoader(),
                new Class<?>[] {FileSystemCore.class},
                (proxy, method, arguments) -> {
                    counts.computeIfAbsent(method.getName(), n -> new AtomicLong())
                            .incrementAndGet();
                    Real call = () -> {
                        try {
                            return method.invoke(real, arguments);
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    };
                    Tap tap = taps.get(method.getName());
                    return tap == null ? call.call() : tap.call(arguments, call);
                });
    }

    FileSystemCore core() {
        return core;
    }

    void tap(String method, Tap tap) {
        taps.put(method, tap);
    }

    void untap(String method) {
        taps.remove(method);
    }

    long count(String method) {
        AtomicLong n = counts.get(method);
        return n == null ? 0 : n.get();
    }
}
