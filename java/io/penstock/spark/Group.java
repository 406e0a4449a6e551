package io.penstock.spark;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConsumerGroupOffsetsOptions;
import org.apache.kafka.clients.admin.AlterConsumerGroupOffsetsResult;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/**
 * The bridge's own progress as a consumer group's offsets: written for the next start, and for all tools that show lag.
 *
 * <p>With each offset goes the id of its topic: an offset of a topic that was made anew under the same name would have
 * rows skipped that nobody has scored.
 */
final class Group implements AutoCloseable {

    private final Admin admin;

    Group(Map<String, Object> client) {
        this.admin = Admin.create(client);
    }

    /** Returns a topic's own id; null where there is no such topic. */
    Uuid identity(String topic) throws InterruptedException {
        TopicDescription found = get(admin.describeTopics(List.of(topic)).topicNameValues().get(topic), null);
        return found == null ? null : found.topicId();
    }

    /** Writes how far partitions are, or throws when time is over; those whose topics are gone are left out. */
    void commit(String group, Iterable<Position> positions, int patienceMs) throws InterruptedException {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        Map<TopicPartition, Position> of = new HashMap<>();
        for (Position position : positions) {
            long next = position.next();
            if (next > position.committed()) {
                TopicPartition where = new TopicPartition(position.topic, position.partition);
                offsets.put(where, new OffsetAndMetadata(next, String.valueOf(position.identity)));
                of.put(where, position);
            }
        }
        if (offsets.isEmpty()) {
            return;
        }
        AlterConsumerGroupOffsetsResult result =
                admin.alterConsumerGroupOffsets(group, offsets, new AlterConsumerGroupOffsetsOptions().timeoutMs(patienceMs));
        for (Map.Entry<TopicPartition, Position> each : of.entrySet()) {
            get(result.partitionResult(each.getKey()), null);
            each.getValue().committed(offsets.get(each.getKey()).offset());
        }
    }

    /** Reads how far partitions are; what cannot be relied on is left out, and told in a sentence. */
    List<Position> read(String group, List<String> remarks) throws InterruptedException {
        Map<TopicPartition, OffsetAndMetadata> committed = get(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata(), Map.of());
        List<Position> found = new ArrayList<>();
        Map<String, Uuid> identities = new HashMap<>();
        for (Map.Entry<TopicPartition, OffsetAndMetadata> each : committed.entrySet()) {
            TopicPartition where = each.getKey();
            if (each.getValue() == null) {
                continue;
            }
            if (!identities.containsKey(where.topic())) {
                identities.put(where.topic(), identity(where.topic()));
            }
            Uuid identity = identities.get(where.topic());
            String fault = identity == null ? "the topic is gone" : fault(where, each.getValue(), identity);
            if (fault == null) {
                found.add(new Position(where.topic(), where.partition(), identity, each.getValue().offset()));
            } else {
                remarks.add("offset " + each.getValue().offset() + " of " + where + " in the group '" + group + "' is not used: " + fault);
            }
        }
        return found;
    }

    private String fault(TopicPartition where, OffsetAndMetadata committed, Uuid identity) throws InterruptedException {
        if (!identity.toString().equals(committed.metadata())) {
            return "the topic was made anew, or something else has written the offset";
        }
        var end = get(admin.listOffsets(Map.of(where, OffsetSpec.latest())).partitionResult(where), null);
        if (end == null || end.offset() < committed.offset()) {
            return "the partition ends at " + (end == null ? "no offset" : String.valueOf(end.offset()));
        }
        return null;
    }

    private static <T> T get(KafkaFuture<T> future, T absent) throws InterruptedException {
        try {
            return future.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UnknownTopicOrPartitionException || e.getCause() instanceof InvalidTopicException) {
                return absent;
            }
            throw new IllegalStateException(e.getCause().getMessage(), e.getCause());
        }
    }

    @Override
    public void close() {
        admin.close(Duration.ofSeconds(5));
    }
}
