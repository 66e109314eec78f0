package io.ppiofs.overlay.transport.yamux;

import io.netty.buffer.ByteBuf;

/** Numbers of the frame header: version, type, flags, stream, length; 12 bytes, big endian. */
final class Frame {
    static final int HEADER = 12;

    static final int DATA = 0;
    static final int WINDOW_UPDATE = 1;
    static final int PING = 2;
    static final int GO_AWAY = 3;

    static final int SYN = 1;
    static final int ACK = 2;
    static final int FIN = 4;
    static final int RST = 8;

    static final int NORMAL = 0;
    static final int PROTOCOL_ERROR = 1;

    private Frame() {}

    static void writeHeader(ByteBuf out, int type, int flags, int stream, int length) {
        out.writeByte(0).writeByte(type).writeShort(flags).writeInt(stream).writeInt(length);
    }
}
