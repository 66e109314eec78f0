/**
 * Deterministic CBOR (RFC 8949, section 4.2.1) for signed records: one value has exactly one encoding, so a signature
 * or a hash over bytes is a signature over the value.
 *
 * <p>Promises: {@link io.ppiofs.cbor.CborDecoder} accepts a byte string only if {@link
 * io.ppiofs.cbor.CborEncoder} gives the same bytes back (shortest lengths, sorted unique keys, no indefinite
 * lengths, tags or floats), takes no memory before it has seen the bytes, and bounds nesting. Cost: one small object
 * per item; meant for records of a few KiB, not for data.
 *
 * <p>Start reading at {@link io.ppiofs.cbor.Cbor}.
 */
@NullMarked
package io.ppiofs.cbor;

import org.jspecify.annotations.NullMarked;
