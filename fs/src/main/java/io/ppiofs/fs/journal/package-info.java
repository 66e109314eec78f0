/** The sealed, chained, CRC-framed journal with group commit. */
@NullMarked
package io.ppiofs.fs.journal;

import org.jspecify.annotations.NullMarked;
