/**
 * What the fuzz tests of this module share. A fuzz test ({@code *FuzzTest}, Jazzer) hands arbitrary bytes to one decoder and
 * allows two outcomes: a value, which must survive encoding and decoding again, or a refusal that a peer may cause. Any other
 * exception, a hang or unbounded memory is a defect.
 *
 * <p>In an ordinary run each test goes through its seeds and through the inputs kept under {@code
 * src/test/resources/PACKAGE/CLASSInputs/METHOD}; {@code JAZZER_FUZZ=1} searches for new ones, one test per JVM, as {@code
 * verify --soak} does. Put what it finds into that folder, under a name that says what it is.
 */
@NullMarked
package io.ppiofs.overlay.fuzz;

import org.jspecify.annotations.NullMarked;
