package io.ppiofs.overlay;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBufAllocator;
import java.lang.ref.WeakReference;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Fails a test class in which a Netty buffer was lost: {@code @ExtendWith(NoLeaks.class)}. */
public final class NoLeaks implements BeforeAllCallback, AfterAllCallback {
    @Override
    public void beforeAll(ExtensionContext context) {
        collect();
        CollectingLeakDetector.forget();
    }

    @Override
    public void afterAll(ExtensionContext context) {
        collect();
        assertThat(CollectingLeakDetector.leaks()).isEmpty();
    }

    /** Collects garbage, then allocates, upon which the detector looks at what was collected. */
    private static void collect() {
        for (int round = 0; round < 2; round++) {
            WeakReference<Object> garbage = new WeakReference<>(new Object());
            Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> {
                System.gc();
                return garbage.get() == null;
            });
            for (int i = 0; i < 64; i++) {
                ByteBufAllocator.DEFAULT.buffer(16).release();
            }
        }
    }
}
