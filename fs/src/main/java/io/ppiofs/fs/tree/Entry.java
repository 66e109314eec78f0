package io.ppiofs.fs.tree;

/** A key and its value, both owned by the receiver. */
@SuppressWarnings("ArrayRecordComponent") // a carrier; identity is enough
public record Entry(byte[] key, byte[] value) {}
