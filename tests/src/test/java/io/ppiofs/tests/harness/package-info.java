/**
 * What the end-to-end tests stand on: a file system that can be mounted, unmounted and killed ({@link
 * io.ppiofs.tests.harness.MountedFs}), external commands with a time limit, a scratch directory that leaves no mount,
 * process or file behind however the test ended, and manifests that compare trees byte by byte.
 *
 * <p>The tests run on ppiofs; {@code -Dppiofs.tests.on=plain|bindfs|gocryptfs} runs the same tests on another file
 * system, which tells a defect of ppiofs from one of the test. Start reading at {@code MountedFs}.
 */
@NullMarked
package io.ppiofs.tests.harness;

import org.jspecify.annotations.NullMarked;
