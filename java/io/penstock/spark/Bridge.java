package io.penstock.spark;

import io.penstock.headers.RecordTimes;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.spark.sql.ForeachWriter;
import org.apache.spark.sql.Row;

/**
 * The way of records from Spark's tasks to Python and on to Kafka: rows wait in a bounded queue, Python takes all that
 * wait and gives back what becomes of them, and a task ends when all of its rows have been acknowledged.
 *
 * <p>A delivery that Kafka does not take makes the whole bridge fail: everything that uses it throws from then on, so that
 * Spark takes note of nothing more, and the program starts again from what was delivered.
 */
public final class Bridge implements AutoCloseable {

    private static final Map<String, Bridge> OPEN = new ConcurrentHashMap<>();
    /** Rows of a batch that crosses to Python, about. */
    private static final long BATCH_BYTES = 8L << 20;
    /** Brokers refuse times to come from an hour on; producers refuse negative ones. As in penstock/flink/pipeline.py. */
    private static final long MOST_AHEAD_MS = TimeUnit.MINUTES.toMillis(59);

    private final String name;
    private final String[] headers;
    private final KafkaProducer<byte[], byte[]> producer;
    private final Group group;
    private final Rows rows;
    private final Map<TopicPartition, Position> positions = new ConcurrentHashMap<>();
    private final Map<Long, List<Waiting>> taken = new ConcurrentHashMap<>();
    private final AtomicLong batches = new AtomicLong();
    private final AtomicLong accepted = new AtomicLong();
    private final AtomicLong skipped = new AtomicLong();
    private final AtomicLong delivered = new AtomicLong();
    private volatile Throwable failure;

    private Bridge(String name, Map<String, String> client, Map<String, String> producing, String headers, int mostRows, long mostBytes) {
        this.name = name;
        this.headers = headers.isEmpty() ? new String[0] : headers.split("\u001f");
        this.rows = new Rows(this, mostRows, mostBytes);
        Map<String, Object> properties = new HashMap<>(client);
        properties.putAll(producing);
        this.producer = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
        this.group = new Group(new HashMap<>(client));
    }

    /**
     * Opens a bridge under a name, in place of one that was there.
     *
     * @param client properties of all Kafka clients
     * @param producing further ones of the producer
     * @param headers names of headers whose texts Python is given, with 0x1f between them
     */
    public static Bridge open(String name, Map<String, String> client, Map<String, String> producing, String headers, int mostRows, long mostBytes) {
        Bridge bridge = new Bridge(name, client, producing, headers, mostRows, mostBytes);
        Bridge before = OPEN.put(name, bridge);
        if (before != null) {
            before.close();
        }
        return bridge;
    }

    static Bridge named(String name) {
        Bridge bridge = OPEN.get(name);
        if (bridge == null) {
            throw new IllegalStateException("there is no bridge '" + name + "' in this process: executors on other machines have none");
        }
        return bridge;
    }

    /** Returns what Spark writes into. */
    public ForeachWriter<Row> writer() {
        return new BridgeWriter(name);
    }

    /** Returns the next batch, packed; nothing if none came in time. */
    public byte[] take(int most, long waitMs) throws InterruptedException {
        check();
        List<Waiting> batch = rows.take(most, BATCH_BYTES, waitMs);
        if (batch.isEmpty()) {
            return new byte[0];
        }
        long number = batches.incrementAndGet();
        taken.put(number, batch);
        return Packing.rows(number, batch, headers);
    }

    /** Sends what becomes of a batch: a packed delivery for each of its rows, in their order. */
    public void give(long number, byte[] packed) {
        check();
        List<Waiting> batch = taken.get(number);
        if (batch == null) {
            throw new IllegalArgumentException("batch " + number + " was not taken, or given back before");
        }
        Packing.Delivery[] deliveries = Packing.deliveries(packed);
        if (deliveries.length != batch.size()) {
            throw new IllegalArgumentException("batch " + number + " has " + batch.size() + " rows and came back with " + deliveries.length);
        }
        taken.remove(number);
        RecordTimes times = new RecordTimes();
        long latest = System.currentTimeMillis() + MOST_AHEAD_MS;
        for (int i = 0; i < deliveries.length; i++) {
            send(batch.get(i), deliveries[i], times, latest);
        }
    }

    private void send(Waiting row, Packing.Delivery delivery, RecordTimes times, long latest) {
        if (delivery.topic() == null) {
            delivered(row);
            return;
        }
        byte[] place = delivery.headers().hasPlace() ? (row.topic + '/' + row.partition + '/' + row.offset).getBytes(StandardCharsets.US_ASCII) : null;
        byte[] time = delivery.headers().hasTime() ? times.of(row.timestamp) : null;
        Long timestamp = row.timestamp >= 0 && row.timestamp <= latest ? row.timestamp : null;
        byte[] value = delivery.hasValue() ? delivery.value() : row.value;
        try {
            producer.send(
                    new ProducerRecord<>(delivery.topic(), null, timestamp, row.key, value, Headers.merged(row.headers, delivery.headers(), place, time)),
                    (metadata, error) -> {
                        if (error == null) {
                            delivered(row);
                        } else {
                            fail(error);
                        }
                    });
        } catch (RuntimeException e) {
            fail(e);
            check();
        }
    }

    private void delivered(Waiting row) {
        row.position.deliver(row); // first, so that who sees the count sees the progress
        delivered.incrementAndGet();
    }

    void accepted() {
        accepted.incrementAndGet();
    }

    void skipped() {
        skipped.incrementAndGet();
    }

    boolean enter(Waiting row) throws InterruptedException {
        return row.position.enter(row, rows);
    }

    /** Returns where a partition's progress is kept; the topic's id is asked for when it is met first. */
    Position position(String topic, int partition) throws InterruptedException {
        TopicPartition where = new TopicPartition(topic, partition);
        Position known = positions.get(where);
        if (known != null) {
            return known;
        }
        Position made = new Position(topic, partition, group.identity(topic), 0);
        Position other = positions.putIfAbsent(where, made);
        return other == null ? made : other;
    }

    /** Returns the progress for rows that were met before: a new one, if their topic is another than it was. */
    Position recognized(Position known) throws InterruptedException {
        Uuid identity = group.identity(known.topic);
        if (identity == null || known.identity == null || identity.equals(known.identity)) {
            return known;
        }
        TopicPartition where = new TopicPartition(known.topic, known.partition);
        positions.replace(where, known, new Position(known.topic, known.partition, identity, 0));
        return positions.get(where);
    }

    /** Begins where a consumer group stands; returns what of it is not used, a sentence in each line. */
    public String resume(String of) throws InterruptedException {
        List<String> remarks = new ArrayList<>();
        for (Position position : group.read(of, remarks)) {
            positions.put(new TopicPartition(position.topic, position.partition), position);
        }
        return String.join("\n", remarks);
    }

    /** Drops what is known of topics, by their names with 0x1f between them, because they were made anew. */
    public void forget(String topics) {
        Set<String> gone = Set.of(topics.split("\u001f"));
        positions.keySet().removeIf(where -> gone.contains(where.topic()));
    }

    /** Writes how far all is delivered as a consumer group's offsets; throws where that is not done in time. */
    public void commit(String to, int patienceMs) throws InterruptedException {
        group.commit(to, positions.values(), patienceMs);
    }

    /** Returns how far all is delivered: topic, partition and the next offset in each line, with tabs between them. */
    public String progress() {
        StringBuilder lines = new StringBuilder();
        for (Position position : positions.values()) {
            long next = position.next();
            if (next > 0) {
                lines.append(position.topic).append('\t').append(position.partition).append('\t').append(next).append('\n');
            }
        }
        return lines.toString();
    }

    /** Returns numbers of rows: waiting, taken or sent but not acknowledged, let in, skipped, delivered. */
    public String counts() {
        long out = delivered.get();
        long in = accepted.get();
        return rows.size() + " " + (in - out) + " " + in + " " + skipped.get() + " " + out;
    }

    /**
     * Lets no more rows in, and waits until all that are in have been delivered; says whether they were in time.
     *
     * <p>The producer is not flushed: that would wait for as long as it tries to write (delivery.timeout.ms), whatever the
     * patience. What it has goes out by itself, after linger.ms.
     */
    public boolean drain(long patienceMs) throws InterruptedException {
        rows.shut();
        long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(patienceMs);
        while (delivered.get() < accepted.get()) {
            check();
            if (System.nanoTime() > until) {
                return false;
            }
            Thread.sleep(2);
        }
        return true;
    }

    /** Makes everything that uses the bridge throw from now on. */
    public void fail(String reason) {
        fail(new IllegalStateException(reason));
    }

    private void fail(Throwable reason) {
        synchronized (this) {
            if (failure == null) {
                failure = reason;
            }
        }
        rows.wake();
        positions.values().forEach(Position::wake);
    }

    void check() {
        if (failure != null) {
            throw new IllegalStateException("the bridge '" + name + "' has failed: " + failure, failure);
        }
    }

    @Override
    public void close() {
        fail("it was closed");
        OPEN.remove(name, this);
        producer.close(Duration.ofSeconds(5));
        group.close();
    }
}
