/**
 * The {@code ppiofs} command: one class per subcommand, picocli reads the arguments.
 *
 * <p>A command is thin: it asks the node that owns the home over the Unix socket ({@link
 * io.ppiofs.node.cli.NodeAccess}). Where no node runs, {@code mount} becomes it or starts it, {@code fsck}, {@code gc}
 * and {@code volume} are it for the length of one request, and the others say that none runs. A client never loads
 * Chronicle Map or FUSE, so it answers in a fraction of a second.
 *
 * <p>Facts go to standard output (as JSON with {@code --json}), everything else to standard error; a user error is one
 * sentence and the exit code of its {@link io.ppiofs.error.ErrorKind}. Start reading at {@link
 * io.ppiofs.node.cli.Main}.
 */
@NullMarked
package io.ppiofs.node.cli;

import org.jspecify.annotations.NullMarked;
