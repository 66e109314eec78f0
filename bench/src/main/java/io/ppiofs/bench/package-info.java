/** JMH benchmarks of the hot paths and the guards that hold their ratios; results stand in {@code docs/benchmarks.md}. */
@NullMarked
package io.ppiofs.bench;

import org.jspecify.annotations.NullMarked;
