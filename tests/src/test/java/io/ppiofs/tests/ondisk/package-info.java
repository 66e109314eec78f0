/**
 * What lies in the home: nothing readable, nothing twice, and no flipped bit that comes back as data. {@link
 * io.ppiofs.tests.ondisk.PlaintextSearch} finds any window of given secrets in any file, in one pass.
 */
@NullMarked
package io.ppiofs.tests.ondisk;

import org.jspecify.annotations.NullMarked;
