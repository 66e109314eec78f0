/**
 * Bytes as text that people copy: {@link io.ppiofs.base32.Base32}, RFC 4648 in lower case without padding. Promises that a
 * byte string has exactly one text; every other spelling is refused.
 */
@NullMarked
package io.ppiofs.base32;

import org.jspecify.annotations.NullMarked;
