package io.ppiofs.node.cli;

import io.ppiofs.node.config.ByteSize;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "gc",
        header = "delete blocks that nothing reaches",
        description = "Deletes blocks that no volume of the home reaches and gives their space back. Writers go on.",
        sortOptions = false)
final class GcCommand implements Callable<Integer> {
    private final Main main;

    @Mixin
    private final JsonOption json = new JsonOption();

    GcCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Surroundings around = main.surroundings();
        Progress progress = ProgressBars.on(around);
        Map<?, ?> facts;
        try {
            facts = main.node().ask(new Request("gc"), progress);
        } finally {
            ProgressBars.end(progress);
        }
        json.print(
                around,
                facts,
                () -> around.out()
                        .println(Facts.text(facts, "deletedBlocks") + " blocks deleted, "
                                + ByteSize.show(Facts.number(facts, "freedBytes")) + " freed, "
                                + Facts.text(facts, "liveBlocks") + " blocks stay"));
        return 0;
    }
}
