/**
 * One process is one node: this package wires home directory, block store, volumes, mounts, control socket and metrics
 * together and offers them as the {@code ppiofs} command.
 */
@NullMarked
package io.ppiofs.node;

import org.jspecify.annotations.NullMarked;
