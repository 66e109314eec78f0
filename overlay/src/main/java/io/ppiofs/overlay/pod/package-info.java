/**
 * The protocol of paid downloads, {@code /ppiofs/ID/pod/1.0.0}: conversations of typed messages between user, provider and verifier. What the
 * messages say is for others to know: {@link io.ppiofs.overlay.pod.PodServer} hands a conversation to a {@link
 * io.ppiofs.overlay.pod.PodServer.Conversation}, {@link io.ppiofs.overlay.pod.PodClient} begins one, both hold it by a {@link
 * io.ppiofs.overlay.pod.PodLink}.
 *
 * <p>Promises: a message has at most {@value io.ppiofs.overlay.pod.PodLink#MAX_BODY} bytes; of what the other side sends at most some 256 KiB wait in
 * memory besides the stream's window, and who does not read stops the sender; nobody waits longer than it says. Conversations are bounded per
 * peer and in all, one thread each.
 *
 * <p>Start reading at {@link io.ppiofs.overlay.pod.PodLink}; the messages are in {@code docs/protocol.md}.
 */
@NullMarked
package io.ppiofs.overlay.pod;

import org.jspecify.annotations.NullMarked;
