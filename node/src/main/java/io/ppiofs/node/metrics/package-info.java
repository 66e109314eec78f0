/**
 * Prometheus metrics of a node on a loopback port, text format, path {@code /metrics}. The registry is built at the
 * first scrape: who never asks pays nothing at start-up. Gauges read the facts that {@code ppiofs status} shows, so the
 * two never disagree.
 */
@NullMarked
package io.ppiofs.node.metrics;

import org.jspecify.annotations.NullMarked;
