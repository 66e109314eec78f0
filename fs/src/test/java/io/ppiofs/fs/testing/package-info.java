/**
 * Fixtures that other tests and other modules use: the model filesystem that is the oracle of property tests, and the
 * POSIX conformance check that runs on any directory. Start with {@link io.ppiofs.fs.testing.ModelFileSystem}.
 */
@NullMarked
package io.ppiofs.fs.testing;

import org.jspecify.annotations.NullMarked;
