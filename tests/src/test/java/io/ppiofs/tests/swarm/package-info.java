/**
 * Volumes on a swarm of real processes on loopback: storage nodes, a writer, readers with nothing but a capability.
 */
@NullMarked
package io.ppiofs.tests.swarm;

import org.jspecify.annotations.NullMarked;
