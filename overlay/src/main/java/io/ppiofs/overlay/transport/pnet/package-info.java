/**
 * libp2p private networks (specification "Private Networks", PSK version 1): everything on a TCP connection is enciphered
 * with a key that all members share, below the ordinary security. An interoperability option: it hides that libp2p is
 * spoken and keeps strangers from the handshake; it does not authenticate.
 *
 * <p>{@link io.ppiofs.overlay.transport.pnet.NetworkKeyHandler} is the channel's first handler. Each side sends a random
 * nonce of 24 bytes, then XSalsa20. Cost: a copy of every byte and the cipher, some 200 MB/s.
 */
@NullMarked
package io.ppiofs.overlay.transport.pnet;

import org.jspecify.annotations.NullMarked;
