/**
 * One process is one node: this package wires home directory, block store, volumes, mounts, control socket and metrics
 * together; {@code io.ppiofs.node.cli} offers them as the {@code ppiofs} command.
 *
 * <p>{@link io.ppiofs.node.Node} owns a {@link io.ppiofs.node.Home} while it lives (a file lock says so) and answers
 * {@link io.ppiofs.node.control.Request}s, whether they come over the Unix socket or from a command that found no node
 * and became one. What the node needs of the other rooms stands in one place, {@link io.ppiofs.node.NodeServices}.
 *
 * <p>Nothing here is on the path of a file operation; what counts is the time to ready and the time to unmount. Start
 * reading at {@link io.ppiofs.node.Node}.
 */
@NullMarked
package io.ppiofs.node;

import org.jspecify.annotations.NullMarked;
