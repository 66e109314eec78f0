package io.ppiofs.node.control;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Answers requests; the node implements it. Thread-safe. */
@FunctionalInterface
public interface Handler {
    /** What a handler may do with the one who asks. */
    interface Asker extends Progress {
        /** Runs {@code action} once if the asker goes away before the answer. For requests that hold something. */
        void onGone(Runnable action);

        /** Sends a message before the answer, for example that an attached mount is up. */
        void tell(Map<String, ?> message);
    }

    /**
     * @return the facts of the answer
     * @throws io.ppiofs.error.PpiofsException travels to the asker as it is
     */
    Map<String, @Nullable Object> handle(Request request, Asker asker) throws InterruptedException;
}
