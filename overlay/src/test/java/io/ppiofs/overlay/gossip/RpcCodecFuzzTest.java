package io.ppiofs.overlay.gossip;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.ppiofs.overlay.fuzz.JsLibp2p;
import java.io.IOException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.provider.MethodSource;

class RpcCodecFuzzTest {
    static Stream<byte[]> frames() {
        return JsLibp2p.all("gossip-subscribe", "gossip-publish", "gossip-publish-without-key", "gossip-control");
    }

    @MethodSource("frames")
    @FuzzTest(maxDuration = "60s")
    void a_frame(byte[] bytes) throws IOException {
        Rpc rpc;
        try {
            rpc = RpcCodec.decode(bytes);
        } catch (IOException refused) {
            return;
        }
        byte[] encoded = RpcCodec.encode(rpc);
        assertThat(RpcCodec.encode(RpcCodec.decode(encoded))).isEqualTo(encoded);
    }

    @Test
    void control_of_javascript_is_read() throws IOException {
        Rpc rpc = RpcCodec.decode(JsLibp2p.bytes("gossip-control"));
        assertThat(rpc.have).hasSize(1);
        assertThat(rpc.have.get(0).ids()).hasSize(2);
        assertThat(rpc.want).hasSize(1);
        assertThat(rpc.graft).containsExactly("news");
        assertThat(rpc.prune).hasSize(1);
        assertThat(rpc.prune.get(0).backoffSeconds()).isEqualTo(60);
        assertThat(rpc.prune.get(0).peers()).hasSize(1);
        assertThat(rpc.dontWant).hasSize(1);
    }
}
