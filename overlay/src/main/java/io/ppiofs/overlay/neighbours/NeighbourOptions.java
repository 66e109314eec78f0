package io.ppiofs.overlay.neighbours;

import java.time.Duration;

/**
 * How many peers are kept and how eagerly they are measured.
 *
 * @param neighbours connected neighbours that are aimed at
 * @param candidates peers that may become neighbours, at most
 * @param past former neighbours that are remembered, at most
 * @param round from one look at the list to the next
 * @param probes candidates measured per round, one after the other from round to round
 * @param advantage a full list takes a candidate only if its round trip is shorter than this part of the worst neighbour's, so
 *     that two of nearly the same speed do not take turns
 * @param failures pings without an answer in a row that cost a peer its place
 */
public record NeighbourOptions(
        int neighbours, int candidates, int past, Duration round, int probes, double advantage, int failures) {
    public static final NeighbourOptions DEFAULT = new NeighbourOptions(16, 256, 64, Duration.ofSeconds(15), 4, 0.8, 2);

    public NeighbourOptions {
        if (neighbours < 1 || candidates < 1 || past < 0 || probes < 1 || failures < 1) {
            throw new IllegalArgumentException("a list of neighbours needs places, candidates and probes");
        }
        if (round.isNegative() || round.isZero() || !(advantage > 0 && advantage < 1)) {
            throw new IllegalArgumentException("expected a round above 0 and an advantage between 0 and 1");
        }
    }

    public NeighbourOptions withNeighbours(int value) {
        return new NeighbourOptions(value, candidates, past, round, probes, advantage, failures);
    }
}
