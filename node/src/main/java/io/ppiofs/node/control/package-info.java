/**
 * How a command talks to the node that owns the home: one Unix socket, one request per connection.
 *
 * <p>A request is one line of JSON, at most {@link io.ppiofs.node.control.Wire#MAX_REQUEST} bytes, with the protocol
 * version {@code v} and the operation {@code op}. The node answers with lines of JSON: any number of
 * {@code {"progress":…}} and then one {@code {"ok":…}} or {@code {"error":…}}. A client that closes the connection
 * withdraws what it attached to it. The socket is 0600 in a directory that is 0700, so whoever can connect is the
 * owner; lengths, nesting and idle time are bounded all the same.
 *
 * <p>Start reading at {@link io.ppiofs.node.control.Wire}.
 */
@NullMarked
package io.ppiofs.node.control;

import org.jspecify.annotations.NullMarked;
