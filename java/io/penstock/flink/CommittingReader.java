package io.penstock.flink;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Kafka's reader, which tells the consumer group where the last completed checkpoint was before it ends.
 *
 * <p>Flink's own only asks its fetching thread to do so, and ends that thread at once: of the checkpoint with which a job
 * is stopped the group would not hear, nor of one before it for which the thread had no time.
 */
final class CommittingReader<T> implements SourceReader<T, KafkaPartitionSplit> {

    private static final Logger LOG = LoggerFactory.getLogger(CommittingReader.class);
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final SourceReader<T, KafkaPartitionSplit> kafka;
    private final GroupOffsets group;
    private final TreeMap<Long, List<KafkaPartitionSplit>> begun = new TreeMap<>();
    private List<KafkaPartitionSplit> completed = List.of();

    CommittingReader(SourceReader<T, KafkaPartitionSplit> kafka, GroupOffsets group) {
        this.kafka = kafka;
        this.group = group;
    }

    @Override
    public List<KafkaPartitionSplit> snapshotState(long checkpoint) {
        List<KafkaPartitionSplit> splits = kafka.snapshotState(checkpoint);
        begun.put(checkpoint, List.copyOf(splits));
        return splits;
    }

    @Override
    public void notifyCheckpointComplete(long checkpoint) throws Exception {
        kafka.notifyCheckpointComplete(checkpoint);
        completed = begun.getOrDefault(checkpoint, completed);
        begun.headMap(checkpoint, true).clear();
    }

    @Override
    public void notifyCheckpointAborted(long checkpoint) throws Exception {
        kafka.notifyCheckpointAborted(checkpoint);
        begun.remove(checkpoint);
    }

    @Override
    public void close() throws Exception {
        kafka.close(); // first: what it still commits may be of an earlier checkpoint
        Map<TopicPartition, Long> offsets = new HashMap<>();
        for (KafkaPartitionSplit split : completed) {
            if (split.getStartingOffset() >= 0) { // else it is a word for a place that nothing was read from yet
                offsets.put(split.getTopicPartition(), split.getStartingOffset());
            }
        }
        if (offsets.isEmpty()) {
            return;
        }
        try {
            group.raise(offsets, PATIENCE);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | RuntimeException failure) {
            LOG.warn("The group was not told of the last checkpoint: a start from its offsets reads some again", failure);
        }
    }

    @Override
    public void start() {
        kafka.start();
    }

    @Override
    public InputStatus pollNext(ReaderOutput<T> output) throws Exception {
        return kafka.pollNext(output);
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
        return kafka.isAvailable();
    }

    @Override
    public void addSplits(List<KafkaPartitionSplit> splits) {
        kafka.addSplits(splits);
    }

    @Override
    public void notifyNoMoreSplits() {
        kafka.notifyNoMoreSplits();
    }

    @Override
    public void handleSourceEvents(SourceEvent event) {
        kafka.handleSourceEvents(event);
    }

    @Override
    public void pauseOrResumeSplits(Collection<String> paused, Collection<String> resumed) {
        kafka.pauseOrResumeSplits(paused, resumed);
    }
}
