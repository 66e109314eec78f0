package io.ppiofs.overlay;

import io.netty.util.ResourceLeakDetector;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Remembers the buffers that were never released; surefire makes Netty use it, {@link NoLeaks} asks it. */
public final class CollectingLeakDetector<T> extends ResourceLeakDetector<T> {
    private static final List<String> LEAKS = new CopyOnWriteArrayList<>();

    /** Called by Netty. */
    public CollectingLeakDetector(Class<?> resource, int samplingInterval) {
        super(resource, samplingInterval);
    }

    /** Called by Netty's older factory. */
    public CollectingLeakDetector(Class<?> resource, int samplingInterval, long maxActive) {
        this(resource, samplingInterval);
    }

    @Override
    protected void reportTracedLeak(String resourceType, String records) {
        LEAKS.add(resourceType + records);
    }

    @Override
    protected void reportUntracedLeak(String resourceType) {
        LEAKS.add(resourceType);
    }

    static List<String> leaks() {
        return List.copyOf(LEAKS);
    }

    static void forget() {
        LEAKS.clear();
    }
}
