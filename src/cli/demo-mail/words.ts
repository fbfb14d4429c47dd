/** Who writes what in the demo's mail. Everything is made up. */

export interface Person {
  readonly name: string;
  readonly address: string;
}

export const owner: Person = { name: 'Alex Demo', address: 'demo@example.com' };

export const people: readonly Person[] = [
  { name: 'Marta Lindqvist', address: 'marta@lighthouse.example' },
  { name: 'Jürgen Weißmüller', address: 'jw@werkstatt.example' },
  { name: 'Chidi Okafor', address: 'chidi.okafor@lighthouse.example' },
  { name: 'Søren Kjær', address: 'soren@kjaer.example' },
  { name: 'Anaïs Leclerc', address: 'anais@atelier.example' },
  { name: '田中 美咲', address: 'misaki@tanaka.example' },
  { name: 'Ольга Смирнова', address: 'olga@smirnova.example' },
  { name: 'Priya Raman', address: 'priya@lighthouse.example' },
  { name: 'Tomás Ibáñez', address: 'tomas@ibanez.example' },
  { name: 'Wanda Żółtowska', address: 'wanda@zoltowska.example' },
  { name: 'Bob "Sparky" Miller, Jr.', address: 'sparky@miller.example' },
  { name: 'Ruth Abernathy', address: 'ruth@gardenclub.example' },
];

export const subjects = {
  everyday: [
    'Lunch on Thursday?',
    'The spare key',
    'Photos from the weekend',
    'Your library books',
    'Car is ready',
    'Birthday present for Nils',
    'Train times',
    'That recipe you asked for',
    'Dentist: reminder',
    'Neighbours and the hedge',
    'Lost umbrella',
    'Concert tickets',
  ],
  accented: [
    'Grüße aus Zürich',
    'Réunion reportée à vendredi',
    'Życzenia urodzinowe',
    'Cena mañana a las nueve',
    'Fødselsdag på lørdag',
    '来週の打ち合わせについて',
    'Фотографии с дачи',
    'Naïve question about the café bill — 12 € each?',
  ],
  project: [
    'Lamp housing: drawings for review',
    'Foundation survey',
    'Budget after the storm',
    'Visitor centre opening hours',
    'Permit from the harbour office',
    'Paint samples',
    'Minutes of the site meeting',
  ],
  list: [
    'Slugs again',
    'When to cut back roses',
    'Seed swap in March',
    'Compost too wet',
    'Tomatoes on a north balcony',
    'Plant sale: volunteers needed',
  ],
  junk: [
    'You have been selected !!!',
    'Increase your newsletter by 300%',
    'Re: your invoice (not opened)',
    'Cheap watches, expensive regrets',
    'Final notice about your parcel',
  ],
} as const;

export const sentences: readonly string[] = [
  'I had a look at it this morning and it is in better shape than I feared.',
  'Could you tell me by Wednesday whether that works for you?',
  'The second page is the one that matters; the rest is background.',
  'We should not forget the ladder this time.',
  'Nobody has complained so far, which may only mean that nobody has noticed.',
  'The man at the counter said two weeks, but he said that in August as well.',
  'I attach what I have; the missing part is on the computer at home.',
  'If it rains we meet in the kitchen instead.',
  'Please bring the blue folder and something to write with.',
  'It costs a little more than last year and is worth every cent.',
  'My sister sends her regards and wants her drill back.',
  'Let us decide this over coffee and not by mail.',
  'From the tower you can see all the way to the island on a clear day.',
  'The old one was repaired three times; this time I would replace it.',
  'There is no hurry, the end of the month is early enough.',
  'The measurements are in millimetres, not in inches as I first wrote.',
];

export const accentedSentences: readonly string[] = [
  'Übrigens: die Brücke über die Aare ist gesperrt, nimm lieber die Fähre.',
  'Le dîner est prévu à vingt heures, près de la vieille église.',
  'Zażółć gęślą jaźń — tak, wszystkie litery działają.',
  'El señor del quinto piso pregunta por la contraseña del wifi.',
  'På torsdag blir det blåbärspaj till kaffet.',
];

export const cyrillicSentences: readonly string[] = [
  'Посмотри фотографии, яблоки в этом году особенно хороши.',
  'Поезд приходит в половине седьмого, встречать не нужно.',
];

export const japaneseSentences: readonly string[] = [
  '来週の月曜日の午後三時に駅前の喫茶店でお会いしましょう。',
  '資料は明日までにお送りします。',
];
