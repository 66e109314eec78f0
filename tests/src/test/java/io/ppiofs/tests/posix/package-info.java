/** The clauses of POSIX, written down independently of the core in {@code io.ppiofs.fs.testing}, on a real mount. */
@NullMarked
package io.ppiofs.tests.posix;

import org.jspecify.annotations.NullMarked;
