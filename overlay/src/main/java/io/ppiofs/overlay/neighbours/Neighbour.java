package io.ppiofs.overlay.neighbours;

import io.ppiofs.overlay.identity.PeerId;
import java.time.Duration;
import java.util.Optional;

/**
 * A peer of one of the lists.
 *
 * @param roundTrip smoothed; empty for a candidate that has not been measured
 * @param since how long it has been a neighbour; zero for a candidate
 */
public record Neighbour(PeerId peer, Optional<Duration> roundTrip, Duration since) {}
