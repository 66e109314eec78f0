/**
 * A node that lends space: the hosted blocks of {@code HOME/hosted}, the protocols that serve them, and the operator's
 * commands ({@code ppiofs grant}).
 *
 * <p>Promises: hosted blocks never mix with the node's own; {@code ppiofs grant} works whether the node lends at the moment
 * or not; facts are ordered maps that become JSON and metrics. Thread-safe.
 *
 * <p>Cost: one thread for requests, one for repair; memory as {@link io.ppiofs.overlay.storage.StorageHost} says. Start
 * reading at {@link io.ppiofs.node.storage.StorageService}.
 */
@NullMarked
package io.ppiofs.node.storage;

import org.jspecify.annotations.NullMarked;
