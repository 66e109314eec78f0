package io.ppiofs.overlay.swarm;

import io.ppiofs.overlay.host.HostListener;

/** Hears what only a real host tells. Called as a {@link HostListener}. */
public interface SwarmListener extends HostListener {
    /** Handlers were added or taken away. */
    default void onProtocolsChanged() {}
}
