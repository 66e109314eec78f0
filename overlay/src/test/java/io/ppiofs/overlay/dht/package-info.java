/** Tests of the DHT: the routing table against a model, messages against golden bytes, whole networks in simulation. */
@NullMarked
package io.ppiofs.overlay.dht;

import org.jspecify.annotations.NullMarked;
