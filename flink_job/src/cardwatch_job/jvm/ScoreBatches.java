package dev.cardwatch;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.stream.Stream;

import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.state.BroadcastState;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.common.typeutils.base.array.BytePrimitiveArraySerializer;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.metrics.groups.AbstractMetricGroup;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.streaming.api.graph.StreamConfig;
import org.apache.flink.streaming.api.operators.BoundedMultiInput;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperator;
import org.apache.flink.streaming.api.operators.python.embedded.AbstractEmbeddedPythonFunctionOperator;
import org.apache.flink.streaming.api.utils.ByteArrayWrapper;
import org.apache.flink.streaming.api.utils.ByteArrayWrapperSerializer;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;
import org.apache.flink.streaming.runtime.tasks.StreamTask;
import org.apache.flink.types.Row;
import org.apache.flink.util.OutputTag;

/**
 * Judges batches in the Python that runs inside the TaskManager.
 *
 * <p>PyFlink's own operators ask and answer record by record, and fetch state key by key. Here one
 * call takes many batches, and the users' memories of a bucket travel to Python in front of the
 * bucket's first batch; from then on Python has them. Before a checkpoint barrier Python is asked for
 * the memories that changed since the last one, which are put into Flink's keyed state. A call has
 * ended when it returns, so the state in a checkpoint is that of exactly the records before it. After
 * a failure or a rescale Python starts empty and is told again: of a bucket with its first batch, and
 * where transactions may wait in one, or with the first feedback, of every bucket at once.
 *
 * <p>Batches are put together until there is a large piece of them, or the first has waited for some
 * milliseconds: one call for each piece.
 *
 * <p>Python adds transactions up by window. It is asked for the sums so far every second, and before
 * every barrier, so that they need no state either. They leave as a side output.
 */
public class ScoreBatches extends AbstractEmbeddedPythonFunctionOperator
        implements TwoInputStreamOperator,
                BoundedMultiInput,
                ProcessingTimeService.ProcessingTimeCallback {

    private static final byte[] NO_RECORDS = new byte[20]; // none, of a topic without a name
    private static final String USERS = "users";
    private static final String HABITS = "habits";
    private static final String CONFIGS = "python-state-detector-configs";
    private static final String LEARNED = "learned";
    private static final String CONFIG_TOPIC = "detector-configs";
    private static final String FEEDBACK_TOPIC = "feedback";
    private static final String SCORER = "scorer";
    private static final String METRICS = "cardwatch";
    private static final Object[] NOTHING = new Object[0];

    private final String[] counterNames;
    private final OutputTag sums;
    private final long sumsEveryMs;
    private final int pieceBytes;
    private final long pieceDelayMs;
    private final long outOfOrdernessMs;

    private transient Counter[] counters;
    private transient Map generations;
    private transient MapState users;
    private transient MapState habits;
    private transient BroadcastState configs;
    private transient BroadcastState learned;
    private transient BitSet known;
    private transient DataOutputSerializer piece;
    private transient boolean flushIsDue;
    private transient boolean restored;
    private transient boolean scoring;
    private transient DataInputDeserializer input;
    private transient StreamRecord reused;

    public ScoreBatches(
            Object[] references,
            StreamTask task,
            StreamConfig config,
            Output output,
            ProcessingTimeService timeService) {
        super((Configuration) references[0]);
        this.counterNames = ((String) references[1]).split(",");
        this.sums = (OutputTag) references[2];
        this.sumsEveryMs = ((Number) references[3]).longValue();
        this.pieceBytes = ((Number) references[4]).intValue();
        this.pieceDelayMs = ((Number) references[5]).longValue();
        this.outOfOrdernessMs = ((Number) references[6]).longValue();
        this.setup(task, config, output);
        this.setProcessingTimeService(timeService);
    }

    public void open() throws Exception {
        configs = everySubtasks(CONFIGS);
        learned = everySubtasks(LEARNED);
        users = ofBucket(USERS);
        habits = ofBucket(HABITS);
        known = new BitSet();
        piece = new DataOutputSerializer(pieceBytes);
        input = new DataInputDeserializer();
        reused = new StreamRecord(null);
        counters = new Counter[counterNames.length];
        for (int i = 0; i < counters.length; i++) {
            counters[i] = counter(counterNames[i]);
        }
        generations = new HashMap();
        showGenerations();
        super.open();
        scheduleSums();
    }

    private BroadcastState everySubtasks(String name) throws Exception {
        return getOperatorStateBackend()
                .getBroadcastState(
                        new MapStateDescriptor(
                                name,
                                ByteArrayWrapperSerializer.INSTANCE,
                                BytePrimitiveArraySerializer.INSTANCE));
    }

    private MapState ofBucket(String name) {
        return getRuntimeContext()
                .getMapState(
                        new MapStateDescriptor(
                                name,
                                Types.STRING,
                                PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
    }

    /** A counter of a name such as `findings;detector=amount_spike`, or without a label. */
    private Counter counter(String name) {
        String[] parts = name.split("[;=]");
        MetricGroup group = getMetricGroup().addGroup(METRICS);
        return parts.length == 1
                ? group.counter(name)
                : group.addGroup(parts[1], parts[2]).counter(parts[0]);
    }

    /** Shows the newest generation of each config, and none of those that are forgotten. */
    private void showGenerations() throws Exception {
        HashMap newest = new HashMap();
        Iterator entries = configs.iterator();
        while (entries.hasNext()) {
            byte[] key = ((ByteArrayWrapper) ((Map.Entry) entries.next()).getKey()).getData();
            String named = new String(key, 4, key.length - 4, StandardCharsets.UTF_8);
            int slash = named.lastIndexOf('/');
            long generation = Long.parseLong(named.substring(slash + 1));
            Long other = (Long) newest.get(named.substring(0, slash));
            if (other == null || other.longValue() < generation) {
                newest.put(named.substring(0, slash), Long.valueOf(generation));
            }
        }
        Iterator shown = generations.entrySet().iterator();
        while (shown.hasNext()) {
            Map.Entry entry = (Map.Entry) shown.next();
            if (!newest.containsKey(entry.getKey())) {
                ((Generation) entry.getValue()).group.close();
                shown.remove();
            }
        }
        Iterator names = newest.entrySet().iterator();
        while (names.hasNext()) {
            Map.Entry entry = (Map.Entry) names.next();
            Generation generation = (Generation) generations.get(entry.getKey());
            if (generation == null) {
                MetricGroup group = getMetricGroup().addGroup(METRICS);
                group = group.addGroup("config", (String) entry.getKey());
                generation = new Generation((AbstractMetricGroup) group);
                generations.put(entry.getKey(), generation);
                group.gauge("generation", generation);
            }
            generation.newest = ((Long) entry.getValue()).longValue();
        }
    }

    public void openPythonInterpreter() {
        TaskInfo task = getRuntimeContext().getTaskInfo();
        interpreter.set("configs", valuesOf(configs, false));
        interpreter.set("learned", valuesOf(learned, true));
        interpreter.set("subtask", Integer.valueOf(task.getIndexOfThisSubtask()));
        interpreter.set("parallelism", Integer.valueOf(task.getNumberOfParallelSubtasks()));
        interpreter.set("run", run());
        interpreter.set("out_of_orderness_ms", Long.valueOf(outOfOrdernessMs));
        interpreter.exec("from cardwatch_job.scoring import ScoreUsers");
        interpreter.exec(
                SCORER
                        + " = ScoreUsers(configs, learned, subtask=subtask,"
                        + " parallelism=parallelism, run=run,"
                        + " out_of_orderness_ms=out_of_orderness_ms)");
        scoring = true;
    }

    /**
     * What every subtask has in common that started together: the adaptive scheduler makes a new
     * execution graph for each start of the job, with whose id that of a task begins.
     */
    private String run() {
        String task = getContainingTask().getEnvironment().getExecutionId().toString();
        return task.substring(0, task.indexOf('_'));
    }

    /** The values of a broadcast state; with their keys, one after the other. */
    private ArrayList valuesOf(BroadcastState state, boolean withKeys) {
        ArrayList records = new ArrayList();
        try {
            Iterator entries = state.iterator();
            while (entries.hasNext()) {
                Map.Entry entry = (Map.Entry) entries.next();
                if (withKeys) {
                    input.setBuffer(((ByteArrayWrapper) entry.getKey()).getData());
                    records.add(read());
                }
                input.setBuffer((byte[]) entry.getValue());
                records.add(read());
            }
        } catch (Exception error) {
            throw new IllegalStateException("what all subtasks know cannot be read", error);
        }
        return records;
    }

    private void scheduleSums() {
        ProcessingTimeService time = getProcessingTimeService();
        time.registerTimer(time.getCurrentProcessingTime() + sumsEveryMs, this);
    }

    public void onProcessingTime(long time) throws Exception {
        if (!restored && outOfOrdernessMs > 0) {
            restored = true;
            sendMemories();
        }
        sendPiece();
        take(call("add_up", NOTHING));
        scheduleSums();
    }

    /** Of every bucket: a transaction may wait in one to which nothing comes. */
    private void sendMemories() throws Exception {
        ArrayList buckets = new ArrayList();
        addBuckets(USERS, buckets);
        addBuckets(HABITS, buckets);
        for (int i = 0; i < buckets.size(); i++) {
            Integer bucket = (Integer) buckets.get(i);
            if (!known.get(bucket.intValue())) {
                processElement1(new StreamRecord(Row.of(new Object[] {bucket, NO_RECORDS})));
            }
        }
    }

    private void addBuckets(String state, ArrayList buckets) throws Exception {
        Stream keys = getKeyedStateBackend().getKeys(state, VoidNamespace.INSTANCE);
        Iterator each = keys.iterator();
        while (each.hasNext()) {
            buckets.add(((Row) each.next()).getField(0));
        }
        keys.close();
    }

    public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
        prepareCheckpoint();
        super.prepareSnapshotPreBarrier(checkpointId);
    }

    public void close() throws Exception {
        if (scoring) {
            scoring = false;
            interpreter.invokeMethod(SCORER, "close", NOTHING);
        }
        super.close();
    }

    public void endInput(int inputId) throws Exception {
        prepareCheckpoint();
    }

    private void prepareCheckpoint() throws Exception {
        sendPiece();
        take(call("prepare_checkpoint", NOTHING));
    }

    public void processElement1(StreamRecord element) throws Exception {
        Row row = (Row) element.getValue();
        Integer bucket = (Integer) row.getField(0);
        byte[] batch = (byte[]) row.getField(1);
        if (piece.length() == 0) {
            scheduleFlush();
        }
        piece.writeInt(bucket.intValue());
        if (known.get(bucket.intValue())) {
            piece.writeInt(-1);
        } else {
            known.set(bucket.intValue());
            writeMemories(bucket, piece);
        }
        piece.write(batch);
        if (piece.length() >= pieceBytes) {
            sendPiece();
        }
    }

    /** What every subtask is told; what came before it is judged without it. */
    public void processElement2(StreamRecord element) throws Exception {
        sendPiece();
        Row row = (Row) element.getValue();
        Object topic = row.getField(0);
        if (FEEDBACK_TOPIC.equals(topic) && !restored) {
            // Of one user, who may be in any bucket.
            restored = true;
            sendMemories();
            sendPiece();
        }
        take(call("tell", new Object[] {topic, row.getField(1), row.getField(2)}));
        remember(call("take_learned", NOTHING), learned);
        if (CONFIG_TOPIC.equals(topic)) {
            configs.clear();
            remember(call("configs", NOTHING), configs);
            showGenerations();
        }
    }

    /** Put pairs into a state; those without a value are forgotten. */
    private void remember(byte[] pairs, BroadcastState state) throws Exception {
        input.setBuffer(pairs);
        int count = input.readInt();
        for (int i = 0; i < count; i++) {
            ByteArrayWrapper key = new ByteArrayWrapper(withLength(read()));
            byte[] value = read();
            if (value == null) {
                state.remove(key);
            } else {
                state.put(key, withLength(value));
            }
        }
    }

    private byte[] call(String method, Object[] arguments) {
        return (byte[]) interpreter.invokeMethod(SCORER, method, arguments);
    }

    private void scheduleFlush() {
        if (flushIsDue) {
            return;
        }
        flushIsDue = true;
        ProcessingTimeService time = getProcessingTimeService();
        time.registerTimer(time.getCurrentProcessingTime() + pieceDelayMs, new Flush(this));
    }

    private void flush() throws Exception {
        flushIsDue = false;
        sendPiece();
    }

    /** Sends what there is. */
    private void sendPiece() throws Exception {
        if (piece.length() == 0) {
            return;
        }
        byte[] whole = piece.getCopyOfBuffer();
        piece.clear();
        take(call("judge", new Object[] {whole}));
    }

    private void writeMemories(Integer bucket, DataOutputSerializer out) throws Exception {
        useBucket(bucket);
        write(users, out);
        write(habits, out);
    }

    private void write(MapState memories, DataOutputSerializer out) throws Exception {
        int start = out.length();
        out.writeInt(0);
        int count = 0;
        Iterator entries = memories.iterator();
        while (entries.hasNext()) {
            Map.Entry entry = (Map.Entry) entries.next();
            byte[] user = ((String) entry.getKey()).getBytes(StandardCharsets.UTF_8);
            byte[] memory = (byte[]) entry.getValue();
            out.writeInt(user.length);
            out.write(user);
            out.writeInt(memory.length);
            out.write(memory);
            count++;
        }
        out.writeIntUnsafe(count, start);
    }

    private void useBucket(Integer bucket) throws Exception {
        getKeyedStateBackend().setCurrentKey(Row.of(new Object[] {bucket}));
    }

    /** Take what Python answers: changed memories into state, records on to the sinks. */
    private void take(byte[] results) throws Exception {
        input.setBuffer(results);
        for (int i = 0; i < counters.length; i++) {
            counters[i].inc(input.readInt());
        }
        takeMemories(users);
        takeMemories(habits);
        sendRecords();
        sendSums();
    }

    private void takeMemories(MapState memories) throws Exception {
        int buckets = input.readInt();
        for (int i = 0; i < buckets; i++) {
            takeMemoriesOfBucket(memories);
        }
    }

    private void takeMemoriesOfBucket(MapState memories) throws Exception {
        int bucket = input.readInt();
        int changed = input.readInt();
        int[] idLengths = readLengths(changed);
        int[] memoryLengths = readLengths(changed);
        String[] ids = new String[changed];
        for (int i = 0; i < changed; i++) {
            ids[i] = new String(read(idLengths[i]), StandardCharsets.UTF_8);
        }
        if (changed > 0) {
            useBucket(Integer.valueOf(bucket));
        }
        for (int i = 0; i < changed; i++) {
            byte[] memory = read(memoryLengths[i]);
            if (memory == null) {
                memories.remove(ids[i]);
            } else {
                memories.put(ids[i], memory);
            }
        }
    }

    private int[] readLengths(int count) throws Exception {
        int[] lengths = new int[count];
        for (int i = 0; i < count; i++) {
            lengths[i] = input.readInt();
        }
        return lengths;
    }

    private void sendRecords() throws Exception {
        int records = input.readInt();
        for (int i = 0; i < records; i++) {
            String topic = new String(read(), StandardCharsets.UTF_8);
            byte[] key = read();
            byte[] value = read();
            byte[] header = read();
            String traceparent =
                    header == null ? null : new String(header, StandardCharsets.UTF_8);
            output.collect(reused.replace(Row.of(new Object[] {topic, key, value, traceparent})));
        }
    }

    private void sendSums() throws Exception {
        int count = input.readInt();
        for (int i = 0; i < count; i++) {
            Object[] sum = new Object[6];
            for (int column = 1; column < 6; column++) {
                sum[column] = Long.valueOf(input.readLong());
            }
            Object[] names = new Object[3];
            for (int column = 0; column < 3; column++) {
                names[column] = new String(read(), StandardCharsets.UTF_8);
            }
            sum[0] = Row.of(names);
            output.collect(sums, reused.replace(Row.of(sum)));
        }
    }

    private static byte[] withLength(byte[] value) throws Exception {
        DataOutputSerializer both = new DataOutputSerializer(4 + value.length);
        both.writeInt(value.length);
        both.write(value);
        return both.getCopyOfBuffer();
    }

    private byte[] read() throws Exception {
        return read(input.readInt());
    }

    private byte[] read(int length) throws Exception {
        if (length < 0) {
            return null;
        }
        byte[] bytes = new byte[length];
        input.readFully(bytes);
        return bytes;
    }

    /** What a config's gauge shows; written by the task, read by reporters. */
    private static class Generation implements Gauge {
        final AbstractMetricGroup group;
        volatile long newest;

        Generation(AbstractMetricGroup group) {
            this.group = group;
        }

        public Object getValue() {
            return Long.valueOf(newest);
        }
    }

    /** Sends what waits, when it has waited long enough. */
    private static class Flush implements ProcessingTimeService.ProcessingTimeCallback {
        private final ScoreBatches operator;

        Flush(ScoreBatches operator) {
            this.operator = operator;
        }

        public void onProcessingTime(long time) throws Exception {
            operator.flush();
        }
    }
}
