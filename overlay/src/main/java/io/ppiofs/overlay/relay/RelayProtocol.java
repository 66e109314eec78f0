package io.ppiofs.overlay.relay;

import io.ppiofs.overlay.host.ProtocolId;
import io.ppiofs.overlay.wire.RelayWire.HopMessage;
import io.ppiofs.overlay.wire.RelayWire.RelayLimit;
import io.ppiofs.overlay.wire.RelayWire.RelayStatus;
import io.ppiofs.overlay.wire.RelayWire.StopMessage;
import java.time.Duration;

/** Names and small messages of the specification. */
final class RelayProtocol {
    /** Between a client and its relay. */
    static final ProtocolId HOP = new ProtocolId("/libp2p/circuit/relay/0.2.0/hop");

    /** Between a relay and the peer that is called. */
    static final ProtocolId STOP = new ProtocolId("/libp2p/circuit/relay/0.2.0/stop");

    /** Bound on each message that is waited for. */
    static final Duration TIMEOUT = Duration.ofSeconds(10);

    static final String VOUCHER_DOMAIN = "libp2p-relay-rsvp";
    private static final byte[] VOUCHER_TYPE = {0x03, 0x02};

    private RelayProtocol() {}

    static byte[] voucherType() {
        return VOUCHER_TYPE.clone();
    }

    static HopMessage.Builder hop(RelayStatus status) {
        return HopMessage.newBuilder().setType(HopMessage.Type.STATUS).setStatus(status);
    }

    static StopMessage.Builder stop(RelayStatus status) {
        return StopMessage.newBuilder().setType(StopMessage.Type.STATUS).setStatus(status);
    }

    static RelayLimit limit(RelayLimits limits) {
        return RelayLimit.newBuilder()
                .setDuration(limits.duration().toSeconds())
                .setData(limits.bytes())
                .build();
    }

    /** Whether the message names any limit. */
    static boolean limits(boolean present, RelayLimit limit) {
        return present && (limit.getDuration() > 0 || limit.getData() > 0);
    }
}
