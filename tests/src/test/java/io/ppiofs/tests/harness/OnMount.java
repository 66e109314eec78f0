package io.ppiofs.tests.harness;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;

/** Test classes that share one mounted file system; each test takes a directory of its own in it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class OnMount {
    /** Whoever reads of a hanging file system wants to know in what it hangs. */
    @RegisterExtension
    final TestExecutionExceptionHandler explainer = (context, failure) -> {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof OpExecutor.Hanging) {
                failure.addSuppressed(new AssertionError(fs().diagnosis()));
            }
        }
        throw failure;
    };

    private Scratch scratch;
    private MountedFs fs;

    @BeforeAll
    final void mountOnce() {
        Tools.requireRoot();
        scratch = Scratch.open(getClass().getSimpleName());
        fs = Targets.mounted(scratch);
    }

    @AfterAll
    final void leaveNothingBehind() {
        scratch.close();
    }

    protected final Scratch scratch() {
        return scratch;
    }

    protected final MountedFs fs() {
        return fs;
    }

    /** A new directory on the mount. */
    protected final Path directory(String name) {
        Path made = fs.dir().resolve(name);
        Command.of("mkdir", made).ok();
        return made;
    }

    /** Reads the tree, remounts, and reads it again: nothing may have changed. */
    protected final Manifest assertSurvivesRemount(Path tree) {
        Manifest before = Manifest.of(tree, Manifest.Scope.WITH_TIMES);
        fs.remount();
        before.assertSame(Manifest.of(tree, Manifest.Scope.WITH_TIMES), "after a remount");
        return before;
    }
}
