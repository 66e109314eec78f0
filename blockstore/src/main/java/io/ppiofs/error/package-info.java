/**
 * How ppiofs says that something went wrong: one exception type that carries operation, subject and {@link
 * io.ppiofs.error.ErrorKind}, and one table that maps a kind to errno, exit code and HTTP status.
 *
 * <p>A user error is one sentence that says what to do. A stack trace is only for a defect.
 */
@NullMarked
package io.ppiofs.error;

import org.jspecify.annotations.NullMarked;
