/**
 * Field elements: payload is spread over elements of 254 bits ({@link io.ppiofs.proofs.fr32.Fr32}: 127 bytes become 128), and data is
 * encoded by adding a key modulo the order of BLS12-381's scalar field ({@link io.ppiofs.proofs.fr32.ScalarField}).
 *
 * <p>Why: addition modulo q can be inverted only below q, and a quarter of all 256-bit strings, such as ciphertext, are not
 * below it. Promises: any bytes survive padding, encoding, decoding and unpadding bit for bit; an element that is not below q is
 * refused and never reduced. Cost: about a nanosecond per byte. Start reading at {@link io.ppiofs.proofs.fr32.Fr32}.
 */
@NullMarked
package io.ppiofs.proofs.fr32;

import org.jspecify.annotations.NullMarked;
