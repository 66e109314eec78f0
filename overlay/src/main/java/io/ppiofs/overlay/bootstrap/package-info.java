/**
 * The first peers: {@link io.ppiofs.overlay.bootstrap.Bootstrap} dials a configured list at the start and again while too
 * few peers are connected. It costs one look at the number of connected peers per period; on the host's scheduler.
 */
@NullMarked
package io.ppiofs.overlay.bootstrap;

import org.jspecify.annotations.NullMarked;
