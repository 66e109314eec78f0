package io.ppiofs.node.cli;

import io.ppiofs.node.control.Progress;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** Progress on a terminal: one bar per task, gone when it is done. Not thread-safe. */
final class ProgressBars implements Progress, AutoCloseable {
    private @Nullable ProgressBar bar;
    private String task = "";

    /** Bars on the terminal, or silence where there is none. */
    static Progress on(Surroundings surroundings) {
        return surroundings.terminal() ? new ProgressBars() : Progress.NONE;
    }

    /** Takes away the bar of a progress that {@link #on} made. */
    static void end(Progress progress) {
        if (progress instanceof ProgressBars bars) {
            bars.close();
        }
    }

    @Override
    public void report(String newTask, long done, long total) {
        ProgressBar current = bar;
        if (current == null || !newTask.equals(task)) {
            close();
            task = newTask;
            current = new ProgressBarBuilder()
                    .setTaskName(newTask)
                    .setInitialMax(total > 0 ? total : -1)
                    .setStyle(ProgressBarStyle.ASCII)
                    .setUpdateIntervalMillis(200)
                    .clearDisplayOnFinish()
                    .build();
            bar = current;
        }
        if (total > 0) {
            current.maxHint(total);
        }
        current.stepTo(done);
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
            bar = null;
        }
    }
}
