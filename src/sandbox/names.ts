import type { Random } from './random.ts'

const FIRST = [
  'Northwind',
  'Bluewater',
  'Cedar',
  'Summit',
  'Harbour',
  'Redwood',
  'Lakeside',
  'Granite',
  'Meridian',
  'Juniper',
  'Falcon',
  'Prairie',
  'Sterling',
  'Copper',
  'Willow',
  'Atlas',
  'Orchard',
  'Beacon',
  'Café Müller',
  "O'Brien",
]
const TRADE = [
  'Paper',
  'Freight',
  'Cleaning',
  'Electric',
  'Foods',
  'Printing',
  'Software',
  'Insurance',
  'Telecom',
  'Hardware',
  'Catering',
  'Security',
  'Consulting',
  'Leasing',
  'Supplies',
  'Couriers',
  'Roofing',
  'Plumbing',
  'Media',
  'Robotics',
]
const FORM = ['Ltd', 'LLC', 'Inc.', 'Co', 'GmbH', '& Sons', 'Group', 'Partners']
const GIVEN = [
  'Ada',
  'Bruno',
  'Chloé',
  'Daniel',
  'Elena',
  'Farid',
  'Grace',
  'Hugo',
  'Ingrid',
  'Jamal',
  'Keiko',
  'Liam',
  'Maya',
  'Noah',
  'Olga',
  'Pavel',
  'Quinn',
  'Rosa',
  'Sven',
  'Tara',
]
const FAMILY = [
  'Adams',
  'Bauer',
  'Chen',
  'Dubois',
  'Eriksen',
  'Flores',
  'Gupta',
  'Hansen',
  'Ito',
  'Jensen',
  'Kowalski',
  'Lopez',
  'Moreau',
  'Nguyen',
  'Okafor',
  'Petrov',
  'Rossi',
  'Silva',
  'Tanaka',
  'Weber',
]
const EXPENSES = [
  'Stationery',
  'Monthly rent',
  'Fuel',
  'Cleaning, March',
  'Licences',
  'Phone & data',
  'Repairs',
  'Courier',
  'Legal advice',
  'Advertising',
]
const SALES = [
  'Consulting hours',
  'Monthly retainer',
  'Workshop',
  'Support contract',
  'Design work',
  'Installation',
  'Training day',
  'Project milestone',
]

export function companyName(random: Random): string {
  return `${random.pick(FIRST)} ${random.pick(TRADE)} ${random.pick(FORM)} ${random.integer(1, 9999)}`
}

export function personName(random: Random): string {
  return `${random.pick(GIVEN)} ${random.pick(FAMILY)} ${random.integer(1, 9999)}`
}

export function expenseDescription(random: Random): string {
  return random.pick(EXPENSES)
}

export function salesDescription(random: Random): string {
  return random.pick(SALES)
}
