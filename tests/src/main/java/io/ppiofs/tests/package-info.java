/** Tests that cross rooms: end to end on a real mount, faults, architecture. The code is under {@code src/test}. */
@NullMarked
package io.ppiofs.tests;

import org.jspecify.annotations.NullMarked;
