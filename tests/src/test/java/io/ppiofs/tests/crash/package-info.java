/**
 * The crash test: processes work, the daemon is killed with {@code kill -9} at a random moment, the volume is mounted
 * again, and what is there must be explainable.
 *
 * <p>{@link io.ppiofs.tests.crash.CrashWorker} records each step with the times between which it happened; {@link
 * io.ppiofs.tests.crash.CrashChecker} holds the promises of the design against what {@link
 * io.ppiofs.tests.crash.Observed} found: namespace operations survive as a prefix that contains everything before the
 * last fsync of anything; file data survives in order per file, and what was fsynced survives; no byte is there that
 * nobody wrote. Costs of a check: steps times names.
 */
@NullMarked
package io.ppiofs.tests.crash;

import org.jspecify.annotations.NullMarked;
