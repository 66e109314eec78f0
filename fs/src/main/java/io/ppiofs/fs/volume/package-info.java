/**
 * Volumes: who may do what with one, and what is true of it. Owner and writer keys, certificates and revocations, key
 * epochs, capability strings, heads, and how all that rests in the home.
 *
 * <p>Promises: an instance of a signed record has been verified; no {@code toString} shows a secret; every file here is
 * replaced atomically and durably, and a full disk leaves the old one; what was changed by another is refused with one
 * sentence that says what to do. Formats, and why each key is safe, are in {@code docs/formats.md}, "Volumes".
 *
 * <p>Costs, warm: a head is signed in 0.1 ms, opened in 0.4 ms, committed with two flushed files and a flushed directory;
 * {@code VolumeKeys.contentKey} is a map lookup; a clock tick is 30 ns. A passphrase costs 0.2 s and 64 MiB once.
 *
 * <p>Start reading at {@link io.ppiofs.fs.volume.VolumeDirectory}, then {@link io.ppiofs.fs.volume.HeadStore} and {@link
 * io.ppiofs.fs.volume.VolumeKeys}.
 */
@NullMarked
package io.ppiofs.fs.volume;

import org.jspecify.annotations.NullMarked;
